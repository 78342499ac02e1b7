//! `StopProvider`: the practitioner interrupted Terraform. Answers at once; the
//! operations in flight end on their own, with the truth about their objects.

use super::Server;
use crate::proto::tfplugin6::stop_provider::Response;
use crate::provider::Provider;

pub(super) fn run<P: Provider>(server: &Server<P>) -> Response {
    server.stop();
    Response::default()
}
