//! Frame headers and step descriptors: any bytes give a value or an error, and a value gives its bytes again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shoal_frame::{FrameHeader, HEADER_BYTES, StepDescriptor, StepLimits};

fuzz_target!(|data: &[u8]| {
    if let Some(bytes) = data.first_chunk::<HEADER_BYTES>()
        && let Ok(header) = FrameHeader::decode(bytes, 1 << 20)
    {
        assert!(header.length <= 1 << 20);
        assert_eq!(header.encode(), *bytes);
    }

    let limits = StepLimits {
        sequences: 8,
        tokens: 64,
        operations: 16,
    };
    for bytes in [data, data.get(HEADER_BYTES..).unwrap_or_default()] {
        let Ok(step) = StepDescriptor::decode(bytes, &limits) else {
            continue;
        };
        step.validate(&limits).expect("what is decoded is valid");
        assert!(step.sequences.len() <= 8 && step.tokens.len() <= 64 && step.operations.len() <= 16);
        let tokens: usize = step.sequences_with_tokens().map(|(_, tokens)| tokens.len()).sum();
        assert_eq!(tokens, step.tokens.len());
        assert!(step.output_row_count() <= tokens);
        let mut encoded = Vec::new();
        step.encode(&mut encoded).expect("what is decoded can be encoded");
        assert_eq!(encoded.len(), step.encoded_bytes());
        assert_eq!(StepDescriptor::decode(&encoded, &limits).as_ref(), Ok(&step));
    }
});
