locals {
  order_management = provider::sapcalm::parse_service_key(file("keys/order-management.json"))
}

output "tenant_id" {
  value = local.order_management.tenant_id
}

# Null for a key with a client secret.
output "certificate_expires_at" {
  value = local.order_management.certificate_expires_at
}
