//! A create whose outcome nobody knows: the one rule for all resources.
//!
//! Where any attempt may have been carried out, and no read has proved that
//! nothing is there, the object is saved as tainted, with a mark. Terraform then
//! knows what a destroy has to look for, Read says why the plan replaces it, and
//! the mark goes when the object was seen.
//!
//! What it deliberately does not do: judge by the last answer alone. That the
//! repetition of a lost request is refused says nothing about the request. And
//! delete what may be somebody else's: where another object can have the same
//! name, a marked one counts as ours only where its content proves it.

use framework::diagnostics::Diagnostic;
use framework::private::Private;
use framework::resource::{Failed, Saved};

/// The entry of the private state that marks such an object.
const MARK: &str = "unsettled";

/// What a create leaves whose call may have been carried out, and that no read
/// could settle.
pub(super) fn failed_create<M>(
    mut problem: Diagnostic,
    state: M,
    mut private: Private,
) -> Failed<M> {
    problem.detail.push_str(
        "\n\nIt is kept in the state as tainted, because SAP may have carried it out: the next \
         apply deletes and creates it again, and a destroy deletes it.",
    );
    private.set(MARK, &true);
    Failed::leaving(state, private, problem)
}

/// Whether the outcome of the create that made this object is still open.
pub(super) fn is_marked(private: &Private) -> bool {
    private.get(MARK) == Some(true)
}

/// Says what is known by now of such an object. `what` names it.
pub(super) fn read<M>(saved: &mut Saved<M>, what: &str, is_seen: bool) {
    if !is_marked(&saved.private) {
        return;
    }
    if is_seen {
        saved.private.remove(MARK);
        saved.warnings.push(seen(what));
    } else {
        saved.warnings.push(outcome(
            what,
            "so Terraform has marked it as tainted and replaces it. It may be there or not.\n\n\
             Run `terraform apply`: it deletes what may be there, and creates it again.",
        ));
    }
}

/// The object is there.
pub(super) fn seen(what: &str) -> Diagnostic {
    outcome(
        what,
        "so Terraform has marked it as tainted and replaces it. It is there.\n\n\
         The object is good: `terraform untaint <address>` keeps it.",
    )
}

/// What is there is not what was to be created.
pub(super) fn foreign(what: &str) -> Diagnostic {
    outcome(
        what,
        "so it was kept in the state. What is there now is not what was to be created, so it may \
         be somebody else's: it left the state, and nothing was deleted.\n\n\
         The next apply creates it, and says how to manage the existing one where that is refused.",
    )
}

/// `rest` continues the sentence and ends with the advice.
fn outcome(what: &str, rest: &str) -> Diagnostic {
    Diagnostic::warning(
        "Outcome of the create was not known",
        format!("When the {what} was created, the answer of SAP was lost, {rest}"),
    )
}
