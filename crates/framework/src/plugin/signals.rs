//! What the process does about signals: nothing, while Terraform lives, because
//! Terraform tells it by `StopProvider` what is to be done; except in debug mode,
//! where nobody else can end it.

use std::io;

/// Takes the signals that somebody may send to the whole process group (Ctrl-C,
/// a `kill` of a pipeline's job, a terminal that is closed) from now on, and does
/// nothing about them.
///
/// Terraform hears them as well. On SIGINT and SIGTERM it asks us to come to an
/// end and waits for the results; a provider that dies instead loses the object
/// that it was just creating. By SIGHUP and SIGQUIT it dies, and then the
/// provider notices that it is alone and ends as well, with its socket removed.
pub(super) fn ignore() -> io::Result<()> {
    // A handler once installed stays, also when nobody listens to it.
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::quit(),
        ] {
            drop(signal(kind)?);
        }
    }
    #[cfg(windows)]
    {
        use tokio::signal::windows::{ctrl_break, ctrl_c};
        drop(ctrl_c()?);
        drop(ctrl_break()?);
    }
    Ok(())
}

/// Takes SIGINT and SIGTERM from now on; the future ends with the first of them.
#[cfg(unix)]
pub(super) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

/// Takes Ctrl-C from now on; the future ends with the first one.
#[cfg(windows)]
pub(super) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
