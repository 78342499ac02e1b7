//! What the process does about itself before it serves anybody: nothing of its
//! memory gets into a file or to another process, and it can start the threads
//! that it is going to need.

use std::{io, sync::mpsc::channel, thread};

/// No core file, wherever a core would go, and nobody else of the same user looks
/// into the memory, the environment or the files of this process. A system that
/// refuses it, or has no such thing, leaves the process as it is.
pub(super) fn close_to_others() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Tries whether this many threads can run at the same time. The runtime starts
/// its own without being able to say that it could not.
///
/// # Errors
///
/// What the system says about the first that does not start.
pub fn check_threads(count: usize) -> io::Result<()> {
    let mut started = Vec::new();
    let outcome = (0..count).try_for_each(|_| {
        let (end, wait) = channel::<()>();
        // It lives until `end` is dropped.
        let thread = thread::Builder::new().spawn(move || wait.recv().is_ok())?;
        started.push((end, thread));
        Ok(())
    });
    for (end, thread) in started {
        drop(end);
        // It cannot have panicked.
        let _ = thread.join();
    }
    outcome
}

/// The process that started this one; taken first, because it may be gone soon.
#[cfg(unix)]
pub(super) fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
pub(super) fn parent_id() -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_tried_all_at_once_and_end() {
        check_threads(4).unwrap();
        check_threads(0).unwrap();
    }
}
