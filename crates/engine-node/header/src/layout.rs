//! The layouts of the tables as assertions, so that whatever compiler reads the header checks them.

use std::fmt::Write as _;
use std::mem::{align_of, offset_of, size_of};

use shoal_abi::backend::{
    BackendTable, ExecutableStatistics, ExecutableTable, SlotOperationView, StepSequenceView, StepView,
    WeightSourceTable,
};
use shoal_abi::channel::{ChannelCapabilities, ChannelPeer, ChannelStatistics, ChannelTable, WaitEntry};

struct Layout {
    name: &'static str,
    size: usize,
    alignment: usize,
    offsets: Vec<(&'static str, usize)>,
}

macro_rules! layout {
    ($type:ident { $($field:ident),* }) => {{
        // Does not compile when a field is missing from the list.
        let _ = |value: &$type| {
            let $type { $($field: _),* } = value;
        };
        Layout {
            name: stringify!($type),
            size: size_of::<$type>(),
            alignment: align_of::<$type>(),
            offsets: vec![$((stringify!($field), offset_of!($type, $field))),*],
        }
    }};
}

fn layouts() -> Vec<Layout> {
    vec![
        layout!(ChannelCapabilities {
            flags,
            largest_message_bytes,
            memory_kinds
        }),
        layout!(ChannelPeer {
            stage,
            member,
            reserved
        }),
        layout!(ChannelStatistics {
            sent_bytes,
            received_bytes,
            sent_messages,
            received_messages,
            wait_nanoseconds,
            dropped_frames
        }),
        layout!(WaitEntry { table, operation }),
        layout!(ChannelTable {
            size,
            version,
            context,
            peer,
            capabilities,
            post_send,
            post_receive,
            wait_any,
            cancel,
            register_memory,
            unregister_memory,
            abort,
            statistics,
            last_error,
            retain,
            release
        }),
        layout!(WeightSourceTable {
            size,
            version,
            context,
            read,
            last_error,
            retain,
            release
        }),
        layout!(StepSequenceView {
            slot,
            start_position,
            token_count,
            output_rows
        }),
        layout!(StepView {
            step,
            sequence_count,
            token_count,
            output_row_count,
            reserved,
            sequences,
            tokens
        }),
        layout!(SlotOperationView {
            kind,
            slot,
            target,
            length
        }),
        layout!(ExecutableStatistics {
            steps,
            compute_nanoseconds,
            weight_bytes,
            state_bytes
        }),
        layout!(ExecutableTable {
            size,
            version,
            context,
            slot_operation,
            begin_step,
            execute,
            map,
            unmap,
            end_step,
            statistics,
            last_error,
            retain,
            release
        }),
        layout!(BackendTable {
            size,
            version,
            context,
            compile,
            last_error,
            retain,
            release
        }),
    ]
}

/// The assertions; they hold where pointers have 64 bits, as they have on every supported platform.
pub fn assertions() -> String {
    let mut text = String::from(
        "\n#if UINTPTR_MAX == UINT64_MAX\n#ifdef __cplusplus\n#define SHOAL_ASSERT(condition) static_assert(condition, #condition)\n\
         #define SHOAL_ALIGNMENT(type) alignof(type)\n#else\n#define SHOAL_ASSERT(condition) _Static_assert(condition, #condition)\n\
         #define SHOAL_ALIGNMENT(type) _Alignof(type)\n#endif\n",
    );
    let mut say = |what: String| {
        let _ = writeln!(text, "SHOAL_ASSERT({what});");
    };
    for Layout {
        name,
        size,
        alignment,
        offsets,
    } in layouts()
    {
        for (field, offset) in offsets {
            say(format!("offsetof(Shoal{name}, {field}) == {offset}"));
        }
        say(format!("sizeof(Shoal{name}) == {size}"));
        say(format!("SHOAL_ALIGNMENT(Shoal{name}) == {alignment}"));
    }
    text + "#undef SHOAL_ALIGNMENT\n#undef SHOAL_ASSERT\n#endif\n"
}
