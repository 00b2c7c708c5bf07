//! How settings are written as a file: the commented example, and single lines.

use super::key::{Group, Key, Reload, Shape};
use super::table::KEYS;

/// How wide the example's comments are.
const WIDTH: usize = 100;

const INTRODUCTION: &str = "\
The settings of a mersenned node, all commented out: each line shows the default, or a value to start from.

A setting is a key here, a variable (ping-interval: MERSENNED_PING_INTERVAL) and a flag (--ping-interval). The flag counts \
most, then the variable, then this file, then the default. A list given in one place replaces the list of a weaker one.

Try it: `mersenned config check --config FILE`. See what counts: `mersenned config show --origin --config FILE`. A running \
node reads this file again on SIGHUP (`systemctl reload`); what only a restart can change, it says. Variables and flags \
stay as they were at its start.

Times are a number of seconds or a number with a unit: 500ms, 10s, 2m.";

/// A file with every key, commented.
pub fn example() -> String {
    let mut text = comment(INTRODUCTION);
    for group in Group::ALL {
        text.push_str(&format!("\n\n## {}\n", group.heading()));
        for key in KEYS.iter().filter(|key| key.group == group) {
            text.push('\n');
            text.push_str(&comment(&format!("{}. {}{}", key.help, key.notes, reload_note(key))));
            text.push_str(&format!("#{}\n", line(key, &shown(key))));
        }
    }
    text
}

fn reload_note(key: &Key) -> &'static str {
    match key.reload {
        Reload::Live => " A reload takes it over.",
        Reload::Restart => "",
    }
}

fn shown(key: &Key) -> Vec<String> {
    key.default.or(key.example).map(str::to_owned).into_iter().collect()
}

/// One line of a file: `key = value`. Texts that are no values of the key are written as they are.
pub fn line(key: &Key, texts: &[String]) -> String {
    let quoted = |text: &String| toml::Value::String(text.clone()).to_string();
    let value = match (key.shape, texts) {
        (Shape::List, texts) => format!("[{}]", texts.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        // As a number is written in TOML, whatever zeros stood in front.
        (Shape::Number, [text]) => text.parse::<u64>().map_or_else(|_| quoted(text), |number| number.to_string()),
        (Shape::Switch, [text]) => (text == "on" || text == "true").to_string(),
        (Shape::Text | Shape::Time, [text]) => quoted(text),
        (Shape::Text | Shape::Time | Shape::Number | Shape::Switch, texts) => quoted(&texts.join(" ")),
    };
    format!("{} = {value}", key.name)
}

/// A text as comment lines, paragraph by paragraph.
fn comment(text: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.split('\n') {
        let mut width = 0;
        lines.push('#');
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            if width + 1 + word.chars().count() > WIDTH {
                lines.push_str("\n#");
                width = 0;
            }
            lines.push(' ');
            lines.push_str(word);
            width += 1 + word.chars().count();
        }
        lines.push('\n');
    }
    lines
}
