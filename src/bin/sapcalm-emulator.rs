//! The emulator binary: everything is in [`sapcalm::emulator`].

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
