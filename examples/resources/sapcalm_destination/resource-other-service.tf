# Any other service, with a secret that Terraform never stores.
variable "warehouse_secret" {
  type      = string
  ephemeral = true
}

resource "sapcalm_destination" "warehouse" {
  name              = "Warehouse"
  description       = "Stock levels"
  url               = "https://warehouse.example.com/api"
  client_id         = "stock-reader"
  token_service_url = "https://login.example.com/oauth/token"

  credentials = {
    client_secret_wo = var.warehouse_secret
    version          = 1 # raise it to write a new secret
  }
  properties = {
    "HTML5.DynamicDestination" = "true"
  }
  labels = {
    team = ["logistics"]
  }
  timeouts = {
    create = "5m"
  }
}
