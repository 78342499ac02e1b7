# A chat tool with an API that takes OAuth tokens. Then, in Cloud ALM: External
# API Management, a webhook with this destination, a subscription, a mapping.
variable "chat_secret" {
  type      = string
  ephemeral = true
}

resource "sapcalm_destination" "chat_system" {
  name              = "CALM_CHAT"
  url               = "https://chat.example.com/api"
  client_id         = "cloud-alm"
  token_service_url = "https://login.example.com/oauth/token"

  credentials = {
    client_secret_wo = var.chat_secret
  }
}
