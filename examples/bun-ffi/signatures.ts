/** The functions of `shoal.h` that the example uses, in the terms of `bun:ffi`; a test compares them with the header. */
export const signatures = {
  shoal_abi_version: { args: [], returns: 'u32' },
  shoal_device_open: { args: ['ptr', 'usize', 'ptr', 'ptr', 'usize'], returns: 'i32' },
  shoal_device_close: { args: ['u64'], returns: 'void' },
  shoal_member_load: {
    args: ['u64', 'u64', 'ptr', 'usize', 'ptr', 'usize', 'ptr', 'ptr', 'usize'],
    returns: 'i32',
  },
  shoal_member_wait: { args: ['u64', 'u32', 'ptr', 'ptr', 'usize'], returns: 'i32' },
  shoal_member_submit: { args: ['u64', 'ptr', 'usize', 'ptr', 'usize', 'ptr', 'usize'], returns: 'i32' },
  shoal_member_cancel: { args: ['u64', 'u64', 'ptr', 'usize'], returns: 'i32' },
  shoal_member_next_event: { args: ['u64', 'u32', 'ptr', 'usize', 'ptr', 'ptr', 'usize'], returns: 'i32' },
  shoal_member_statistics: { args: ['u64', 'ptr', 'usize', 'ptr', 'ptr', 'usize'], returns: 'i32' },
  shoal_member_close: { args: ['u64'], returns: 'void' },
} as const;
