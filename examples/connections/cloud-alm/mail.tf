# Notifications of Cloud ALM through your own mail server. Without it tenants in
# eu11 and cn20 send none.
variable "mail_password" {
  type      = string
  ephemeral = true
}

resource "sapcalm_destination" "mail" {
  name           = "SAP_Business_Notifications_Mail" # exactly so
  type           = "MAIL"
  proxy_type     = "Internet"
  authentication = "BasicAuthentication"

  properties = {
    "mail.transport.protocol"   = "smtp"
    "mail.smtp.host"            = "smtp.example.com"
    "mail.smtp.port"            = "587"
    "mail.smtp.auth"            = "true"
    "mail.smtp.starttls.enable" = "true"
    "mail.smtp.from"            = "cloud-alm@example.com"
    "mail.user"                 = "cloud-alm"
  }
  credentials = {
    properties_wo = { "mail.password" = var.mail_password }
  }
}
