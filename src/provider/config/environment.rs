//! Environment variables, and the files that they can name.

/// Looks up an environment variable: its value, or why it cannot be read.
/// `None` where it is not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<Result<String, String>>;

/// The environment of this process.
pub fn process_environment(name: &str) -> Option<Result<String, String>> {
    std::env::var_os(name).map(|value| {
        value
            .into_string()
            .map_err(|_| "its value is not UTF-8 text".to_owned())
    })
}

/// The value of an environment variable, from a file when it begins with
/// `@`. An empty variable counts as not set.
pub(super) fn value_of(
    environment: Environment<'_>,
    variable: &str,
) -> Option<Result<String, String>> {
    let value = match environment(variable)? {
        Ok(value) => value,
        Err(problem) => {
            return Some(Err(format!(
                "The environment variable `{variable}` cannot be used: {problem}."
            )));
        }
    };
    let Some(path) = value.strip_prefix('@') else {
        return (!value.is_empty()).then_some(Ok(value));
    };
    // Nothing of it is shown: it may be the value itself, with an `@` too many.
    let problem = if is_path(path) {
        match read_file(path) {
            Ok(text) => return Some(Ok(text)),
            Err(error) => format!("the file that it names cannot be read: {error}"),
        }
    } else {
        "what follows is no path".to_owned()
    };
    Some(Err(format!(
        "The environment variable `{variable}` begins with `@`, which means that the path of \
         a file follows, but {problem}.\n\nCorrect the path after the `@` (relative paths \
         begin at Terraform's working directory). If it is the value itself that follows, \
         remove the `@`."
    )))
}

/// The text of a file. A folder with a file for every member, as service
/// bindings are mounted, is the JSON object that they are.
fn read_file(path: &str) -> std::io::Result<String> {
    if !std::path::Path::new(path).is_dir() {
        return text_of(std::fs::read(path)?);
    }
    let mut members = serde_json::Map::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_name().and_then(std::ffi::OsStr::to_str);
        // Kubernetes keeps the files themselves in hidden folders.
        if let Some(name) = name.filter(|name| !name.starts_with('.') && path.is_file()) {
            members.insert(name.to_owned(), text_of(std::fs::read(&path)?)?.into());
        }
    }
    Ok(serde_json::Value::Object(members).to_string())
}

/// UTF-8, or UTF-16 with a byte order mark, as Windows PowerShell writes it.
fn text_of(bytes: Vec<u8>) -> std::io::Result<String> {
    let units = |unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes[2..].as_chunks();
        String::from_utf16(&pairs.iter().copied().map(unit).collect::<Vec<_>>()).ok()
    };
    let text = match bytes[..] {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    };
    text.ok_or_else(|| std::io::Error::other("it is not UTF-8 text"))
}

/// Whether a text can be the path of a file rather than the file.
fn is_path(text: &str) -> bool {
    const LONGEST: usize = 4096;
    !text.starts_with(['{', '[', '"', '\'', ' ', '-'])
        && !text.contains('\n')
        && text.len() <= LONGEST
}
