//! The provider binary: everything is in [`sapcalm::cli`].

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
