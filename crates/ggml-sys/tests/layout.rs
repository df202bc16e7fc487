//! Compares `src/types.rs` with what a C compiler says about the headers of the ggml that was built, and loads it.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::collections::BTreeMap;
use std::mem::{offset_of, size_of};
use std::path::PathBuf;
use std::process::Command;

use shoal_ggml_sys::*;

/// Prints `name value` lines; each name is a C expression of ours.
const PROBE: &str = r#"
#include <stddef.h>
#include <stdio.h>
#include "ggml.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#define SIZE(type) printf(#type " %zu\n", sizeof(struct type))
#define FIELD(type, field) printf(#type "." #field " %zu\n", offsetof(struct type, field))
#define VALUE(name) printf(#name " %d\n", (int) (name))
int main(void) {
    SIZE(ggml_tensor); FIELD(ggml_tensor, buffer); FIELD(ggml_tensor, ne); FIELD(ggml_tensor, nb);
    FIELD(ggml_tensor, op); FIELD(ggml_tensor, op_params); FIELD(ggml_tensor, flags); FIELD(ggml_tensor, src);
    FIELD(ggml_tensor, view_src); FIELD(ggml_tensor, view_offs); FIELD(ggml_tensor, data); FIELD(ggml_tensor, name);
    FIELD(ggml_tensor, extra);
    SIZE(ggml_init_params); FIELD(ggml_init_params, mem_buffer); FIELD(ggml_init_params, no_alloc);
    SIZE(ggml_backend_dev_props); FIELD(ggml_backend_dev_props, memory_free); FIELD(ggml_backend_dev_props, type);
    FIELD(ggml_backend_dev_props, device_id); FIELD(ggml_backend_dev_props, caps);
    SIZE(ggml_backend_dev_caps); FIELD(ggml_backend_dev_caps, mmap_support);
    SIZE(ggml_threadpool_params); FIELD(ggml_threadpool_params, n_threads); FIELD(ggml_threadpool_params, prio);
    FIELD(ggml_threadpool_params, poll); FIELD(ggml_threadpool_params, paused);
    SIZE(ggml_backend_feature);
    VALUE(GGML_TYPE_F32); VALUE(GGML_TYPE_F16); VALUE(GGML_TYPE_BF16); VALUE(GGML_TYPE_Q4_0); VALUE(GGML_TYPE_Q8_0);
    VALUE(GGML_TYPE_I8); VALUE(GGML_TYPE_I32); VALUE(GGML_TYPE_I64);
    VALUE(GGML_STATUS_SUCCESS); VALUE(GGML_PREC_F32); VALUE(GGML_LOG_LEVEL_WARN); VALUE(GGML_LOG_LEVEL_CONT);
    VALUE(GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    VALUE(GGML_BACKEND_DEVICE_TYPE_CPU); VALUE(GGML_BACKEND_DEVICE_TYPE_GPU); VALUE(GGML_BACKEND_DEVICE_TYPE_IGPU);
    VALUE(GGML_ROPE_TYPE_NORMAL); VALUE(GGML_ROPE_TYPE_NEOX);
    return 0;
}
"#;

fn probe() -> BTreeMap<String, i64> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (directory.join("layout.c"), directory.join("layout.exe"));
    std::fs::write(&source, PROBE).unwrap();
    let host = rustc_host();
    let compiler = cc::Build::new()
        .cargo_metadata(false)
        .opt_level(0)
        .host(&host)
        .target(&host)
        .out_dir(&directory)
        .include(env!("SHOAL_GGML_HEADER_DIRECTORY"))
        .get_compiler();
    let mut command: Command = compiler.to_command();
    command.arg(&source).current_dir(&directory);
    if compiler.is_like_msvc() {
        command.arg(format!("/Fe{}", program.display()));
    } else {
        command.arg("-o").arg(&program);
    }
    assert!(command.status().unwrap().success(), "the probe does not compile");
    let output = Command::new(&program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let entry = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.trim().parse().unwrap())
    };
    text.lines().map(entry).collect()
}

fn rustc_host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap()
        .to_owned()
}

#[test]
fn layouts_and_values_are_those_of_the_headers() {
    let expected = probe();
    let mut seen = 0;
    let mut check = |name: &str, value: i64| {
        assert_eq!(expected.get(name), Some(&value), "{name}");
        seen += 1;
    };
    macro_rules! size { ($($name:ident),*) => { $(check(stringify!($name), size_of::<$name>() as i64);)* }; }
    macro_rules! field {
        ($name:ident: $($field:ident),*) => {
            $(check(concat!(stringify!($name), ".", stringify!($field)), offset_of!($name, $field) as i64);)*
        };
    }
    macro_rules! value { ($($name:ident),* $(,)?) => { $(check(stringify!($name), i64::from($name));)* }; }

    size!(
        ggml_tensor,
        ggml_init_params,
        ggml_backend_dev_props,
        ggml_backend_dev_caps
    );
    size!(ggml_threadpool_params, ggml_backend_feature);
    field!(ggml_tensor: buffer, ne, nb, op, op_params, flags, src, view_src, view_offs, data, name, extra);
    field!(ggml_init_params: mem_buffer, no_alloc);
    field!(ggml_backend_dev_props: memory_free, device_id, caps);
    check(
        "ggml_backend_dev_props.type",
        offset_of!(ggml_backend_dev_props, type_) as i64,
    );
    field!(ggml_backend_dev_caps: mmap_support);
    field!(ggml_threadpool_params: n_threads, prio, poll, paused);
    value!(
        GGML_TYPE_F32,
        GGML_TYPE_F16,
        GGML_TYPE_BF16,
        GGML_TYPE_Q4_0,
        GGML_TYPE_Q8_0
    );
    value!(GGML_TYPE_I8, GGML_TYPE_I32, GGML_TYPE_I64);
    value!(
        GGML_STATUS_SUCCESS,
        GGML_PREC_F32,
        GGML_LOG_LEVEL_WARN,
        GGML_LOG_LEVEL_CONT
    );
    value!(GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    value!(
        GGML_BACKEND_DEVICE_TYPE_CPU,
        GGML_BACKEND_DEVICE_TYPE_GPU,
        GGML_BACKEND_DEVICE_TYPE_IGPU
    );
    value!(GGML_ROPE_TYPE_NORMAL, GGML_ROPE_TYPE_NEOX);
    assert_eq!(seen, expected.len(), "the probe prints names that nothing compares");
}

#[test]
fn the_build_loads_and_every_function_resolves() {
    let loaded = load(&Options::default()).unwrap();
    assert!(
        loaded.registrations[0].name.starts_with("ggml-cpu-"),
        "{:?}",
        loaded.registrations
    );
    // SAFETY: no preconditions.
    assert!(unsafe { (loaded.base.ggml_tensor_overhead)() } >= size_of::<ggml_tensor>());
}

#[test]
fn a_folder_without_libraries_is_an_error() {
    let options = Options {
        directory: Some(std::env::temp_dir()),
        ..Options::default()
    };
    assert!(matches!(load(&options), Err(LoadError::NotFound { .. })));
}

#[test]
fn an_unknown_variant_is_an_error_that_lists_what_is_there() {
    let options = Options {
        cpu_variant: Some("pentium".to_owned()),
        ..Options::default()
    };
    let error = load(&options).unwrap_err();
    assert!(
        matches!(&error, LoadError::NoProcessorLibrary { rejected, .. } if !rejected.is_empty()),
        "{error}"
    );
}
