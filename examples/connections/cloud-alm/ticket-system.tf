# A ticket system, such as ServiceNow. Then, in Cloud ALM: External API
# Management, a webhook with this destination, a subscription, a mapping.
variable "ticket_password" {
  type      = string
  ephemeral = true
}

resource "sapcalm_destination" "ticket_system" {
  name           = "CALM_TICKETS"
  url            = "https://acme.service-now.com"
  authentication = "BasicAuthentication"
  user           = "cloud-alm"

  credentials = {
    password_wo = var.ticket_password
  }
}
