output "token_service_url" {
  value = provider::sapcalm::token_service_url(file("keys/cloud-alm.json"))
}
