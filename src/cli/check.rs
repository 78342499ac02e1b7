//! The command `check`: the rows of `provider::check` as a table, as JSON, or
//! as a report for an issue.
//!
//! It reads the keys from a folder or from the environment, and every other
//! setting that has a variable from there. What a configuration says in
//! `order_management_api` it does not know; the data source
//! `sapcalm_connection` does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use client::{Context, KeyKind};
use framework::diagnostics::{Diagnostic, Diagnostics, Severity};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::output::{fail, print, version};
use crate::provider::check::row::{Row, Verdict};
use crate::provider::check::{self, Findings, Unusable};
use crate::provider::config::{self, Environment};
use crate::provider::configured::{Configured, Key};
use crate::provider::keys::variable;

/// The files in a folder of keys.
const FILES: [(KeyKind, &str); 3] = [
    (KeyKind::Destination, "destination.json"),
    (KeyKind::OrderManagement, "order-management.json"),
    (KeyKind::CloudAlm, "cloud-alm.json"),
];

/// Longer than the check allows itself.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Characters of a line of observations.
const WIDTH: usize = 56;

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folder with `destination.json`, `order-management.json` and
    /// `cloud-alm.json`, as far as there are keys [default: the variables
    /// `SAPCALM_…_SERVICE_KEY`]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "report")]
    json: bool,
    /// Print Markdown for an issue: no secrets, and no names of yours
    #[arg(long)]
    report: bool,
}

/// Checks, and prints what was found. Ends with 1 where something fails, with 2
/// where there is something to know.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let folder = arguments.keys.as_deref();
    let environment = |name: &str| match folder {
        Some(folder) => in_folder(folder, name),
        None => config::process_environment(name),
    };
    let (provider, unusable) = match configure(&environment) {
        Ok(configured) => configured,
        Err(problem) => return fail(&problem),
    };
    let has_key = |(kind, _): &(KeyKind, &str)| provider.key(*kind) != Key::Absent;
    if unusable.is_empty() && !FILES.iter().any(has_key) {
        return fail(&no_key(folder));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let began = Instant::now();
    let context = Context::within(TIMEOUT, CancellationToken::new());
    let findings = runtime.block_on(check::run(&provider, &context, &unusable));
    let cost = Cost {
        requests: provider.client().requests_sent(),
        time: began.elapsed(),
    };
    let text = if arguments.json {
        format!("{:#}\n", as_json(&findings, &cost))
    } else if arguments.report {
        report(&findings, &cost)
    } else {
        table(&findings, &cost)
    };
    let printed = print(&text);
    match findings.verdict() {
        Verdict::Failed => ExitCode::FAILURE,
        Verdict::Note => ExitCode::from(2),
        Verdict::Ok | Verdict::NotTried => printed,
    }
}

fn no_key(folder: Option<&Path>) -> String {
    let names = FILES.map(|(kind, file)| match folder {
        Some(_) => format!("`{file}`"),
        None => format!("`{}`", variable(kind)),
    });
    let names = names.join(", ");
    match folder {
        Some(folder) => format!(
            "there is no service key in `{}`. One of {names} has to be there.",
            folder.display()
        ),
        None => format!(
            "there is no service key. Set one of {names} (the JSON text, or `@` and the path of a \
             file), or name a folder with `--keys`."
        ),
    }
}

// ------------------------------------------------------------ configuration

/// The variables with the keys of a folder instead of their own.
fn in_folder(folder: &Path, name: &str) -> Option<Result<String, String>> {
    let Some((_, file)) = FILES.iter().find(|(kind, _)| variable(*kind) == name) else {
        return config::process_environment(name);
    };
    let path = folder.join(file);
    path.exists().then(|| Ok(format!("@{}", path.display())))
}

/// The provider with every key that can be used. The error is about something
/// else.
fn configure(environment: Environment<'_>) -> Result<(Configured, Unusable), String> {
    let problems = match config::read_environment(environment) {
        Ok((provider, _)) => return Ok((provider, Unusable::new())),
        Err(problems) => problems,
    };
    let unusable: Unusable = FILES
        .iter()
        .filter_map(|(kind, _)| Some((*kind, problem_of(&problems, *kind)?)))
        .collect();
    let usable = |name: &str| match unusable.keys().any(|kind| variable(*kind) == name) {
        true => None,
        false => environment(name),
    };
    match config::read_environment(&usable) {
        Ok((provider, _)) => Ok((provider, unusable)),
        Err(problems) => {
            let first = problems.into_iter().find(is_error);
            let first = first.map(|problem| format!("{}: {}", problem.summary, problem.detail));
            Err(first.unwrap_or_default())
        }
    }
}

fn is_error(problem: &Diagnostic) -> bool {
    problem.severity == Severity::Error
}

/// What is wrong with a key, and what to do.
fn problem_of(problems: &Diagnostics, kind: KeyKind) -> Option<(String, String)> {
    let variable = format!("`{}`", variable(kind));
    let about_it = |problem: &&Diagnostic| is_error(problem) && problem.detail.contains(&variable);
    let problem = problems.iter().find(about_it)?;
    let (what, advice) = problem.detail.split_once("\n\n")?;
    let subject = format!("The value of the environment variable {variable} ");
    let what = what.strip_prefix(&subject).unwrap_or(what);
    Some((what.trim_end_matches('.').to_owned(), advice.to_owned()))
}

// ------------------------------------------------------------------ printing

/// What it took.
struct Cost {
    requests: usize,
    time: Duration,
}

impl Cost {
    fn text(&self) -> String {
        let seconds = self.time.as_secs_f64();
        format!(
            "{} requests in {seconds:.1} s, nothing changed",
            self.requests
        )
    }
}

/// How many rows there are of each verdict.
fn counts(findings: &Findings) -> String {
    let count = |verdict| findings.with(verdict).count();
    format!(
        "{} ok, {} to know, {} failed, {} not tried",
        count(Verdict::Ok),
        count(Verdict::Note),
        count(Verdict::Failed),
        count(Verdict::NotTried)
    )
}

fn table(findings: &Findings, cost: &Cost) -> String {
    let assumed = findings.rows.iter().map(|row| row.topic.assumed.len());
    let assumed = assumed.max().unwrap_or(0);
    let mut text = String::new();
    let mut line = |mark: &str, what: &str, observed: &str, setting: &str| {
        let line = format!("{mark:5} {what:assumed$}  {observed:WIDTH$}  {setting}");
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line("", "what is assumed", "what was observed", "setting");
    for row in &findings.rows {
        let observed = wrapped(&observed(row));
        let mut lines = observed.iter().map(String::as_str);
        let first = lines.next().unwrap_or("");
        line(
            row.verdict.mark(),
            row.topic.assumed,
            first,
            row.topic.setting,
        );
        lines.for_each(|rest| line("", "", rest, ""));
        let needs_advice = matches!(row.verdict, Verdict::Note | Verdict::Failed);
        if let Some(advice) = row.advice.as_ref().filter(|_| needs_advice) {
            for (number, rest) in wrapped(&format!("-> {advice}")).iter().enumerate() {
                let indent = if number == 0 { "" } else { "   " };
                line("", "", &format!("{indent}{rest}"), "");
            }
        }
    }
    let _ = write!(
        text,
        "\n{}. {}.\n`--report` makes a text for an issue of it.\n",
        counts(findings),
        cost.text()
    );
    text
}

fn observed(row: &Row) -> String {
    let text = row.observed.whole();
    match row.took {
        Some(took) => format!("{text} ({} ms)", took.as_millis()),
        None => text,
    }
}

/// Lines of at most [`WIDTH`] characters, where the words allow it.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let is_new = lines.last().is_none_or(|line| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH
        });
        if is_new {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

fn as_json(findings: &Findings, cost: &Cost) -> Value {
    let rows = findings.rows.iter().map(|row| {
        json!({
            "id": row.topic.id,
            "assumed": row.topic.assumed,
            "verdict": row.verdict.as_str(),
            "observed": row.observed.whole(),
            "setting": row.topic.setting,
            "advice": row.advice,
            "milliseconds": row.took.map(milliseconds),
        })
    });
    json!({
        "version": version(),
        "verdict": findings.verdict().as_str(),
        "rows": rows.collect::<Vec<Value>>(),
        "requests": cost.requests,
        "milliseconds": milliseconds(cost.time),
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What may be shown to everybody.
fn report(findings: &Findings, cost: &Cost) -> String {
    let mut text = format!(
        "`{}`: {}. {}.\n\n| assumption | verdict | observed | setting |\n| --- | --- | --- | --- |\n",
        version(),
        counts(findings),
        cost.text()
    );
    for row in &findings.rows {
        let cells = [
            row.topic.assumed,
            row.verdict.as_str(),
            &row.observed.anonymous().replace('|', "\\|"),
            row.topic.setting,
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text + "\nNames, addresses, ids and words of SAP were left out. Read it before you post it.\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_at_words() {
        let long = "x".repeat(WIDTH + 1);
        let text = format!("{} {long} end", "word ".repeat(12));
        let lines = wrapped(&text);
        assert_eq!(
            lines.join(" "),
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        );
        assert!(
            lines
                .iter()
                .all(|line| line.len() <= WIDTH || *line == long)
        );
        assert_eq!(wrapped(""), [""]);
    }

    #[test]
    fn a_key_that_cannot_be_read_leaves_the_others() {
        let environment = |name: &str| match name {
            "SAPCALM_DESTINATION_SERVICE_KEY" => Some(Ok("{\"uaa\": {}}".to_owned())),
            "SAPCALM_CLOUD_ALM_SERVICE_KEY" => Some(Ok("no JSON".to_owned())),
            _ => None,
        };
        let (provider, unusable) = configure(&environment).unwrap();
        let kinds: Vec<KeyKind> = unusable.keys().copied().collect();
        assert_eq!(kinds, [KeyKind::Destination, KeyKind::CloudAlm]);
        assert!(unusable[&KeyKind::Destination].0.starts_with("has no `"));
        assert_eq!(provider.key(KeyKind::Destination), Key::Absent);

        let environment = |name: &str| (name == "SAPCALM_MAX_RETRIES").then(|| Ok("x".to_owned()));
        let problem = configure(&environment).unwrap_err();
        assert!(problem.contains("SAPCALM_MAX_RETRIES"), "{problem}");
    }
}
