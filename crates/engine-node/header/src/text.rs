//! What cbindgen cannot see, and doc comments in the terms of C.

use std::fmt::Write as _;

use shoal_abi::ErrorCode;

/// The statuses as an enumeration: a macro makes them, which cbindgen does not expand. `source` has their comments.
pub fn statuses(source: &str) -> String {
    let mut text = String::from(
        "\n/**\n * Results of functions: 0 is success. Numbers are never reused; more may come.\n */\nenum ShoalStatusCode {\n  \
         /**\n   * Success.\n   */\n  SHOAL_STATUS_OK = 0,\n",
    );
    for code in ErrorCode::ALL {
        let definition = format!("= {}, \"{}\";", code.number(), code.name());
        let before = source.split(&definition).next().unwrap_or_default();
        let comment = before
            .lines()
            .rev()
            .skip(1)
            .take_while(|line| line.trim_start().starts_with("///"));
        let mut comment: Vec<&str> = comment
            .map(|line| line.trim_start().trim_start_matches("/// "))
            .collect();
        comment.reverse();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  /**\n   * {}\n   */\n  SHOAL_STATUS_{} = {},",
            comment.join("\n   * "),
            code.name(),
            code.number()
        );
    }
    text + "};\n"
}

/// Names of a source's public constants.
pub fn constants(source: &str) -> impl Iterator<Item = String> {
    source.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("pub const ")?.split_once(':')?;
        Some(name.to_owned())
    })
}

/// Rust's terms in comments as those of C.
pub fn for_c(header: &str) -> String {
    let mut text = String::new();
    let mut is_safety = false;
    for line in header.lines() {
        let bare = line.trim_start().trim_start_matches('*').trim();
        // What pointers must be is said once, at the top.
        if bare == "# Safety" {
            is_safety = true;
            // With the empty line before it.
            text.truncate(text.trim_end_matches([' ', '*', '\n']).len());
            text.push('\n');
            continue;
        }
        if is_safety && bare != "/" {
            continue;
        }
        is_safety = false;
        text.push_str(&comment_for_c(line));
        text.push('\n');
    }
    // Stands among the statuses already.
    text.replace("/**\n * Success.\n */\n#define ShoalStatus_OK 0\n", "")
}

fn comment_for_c(line: &str) -> String {
    if !line.trim_start().starts_with('*') {
        return line.to_owned();
    }
    let mut line = line
        .replace("[`", "`")
        .replace("`]", "`")
        .replace("`ErrorCode`", "`enum ShoalStatusCode`");
    for kind in [
        "STORAGE_",
        "SLOT_",
        "CAPABILITY_",
        "MEMORY_",
        "NO_DEADLINE",
        "CHANNEL_TABLE",
        "BACKEND_TABLE",
    ] {
        line = line.replace(&format!("`{kind}"), &format!("`SHOAL_{kind}"));
    }
    for kind in ["EXECUTABLE_TABLE", "WEIGHT_SOURCE_TABLE"] {
        line = line.replace(&format!("`{kind}"), &format!("`SHOAL_{kind}"));
    }
    for table in ["ChannelTable", "BackendTable", "ExecutableTable", "WeightSourceTable"] {
        line = line.replace(&format!("size_of::<{table}>()"), &format!("sizeof(Shoal{table})"));
        line = line.replace(&format!("`{table}`"), &format!("`Shoal{table}`"));
    }
    line
}
