# What the provider does to the Destination service, for the specification to judge:
# destinations of both levels and several kinds, with labels, a certificate for each
# level, and data sources. `step` changes everything once.
terraform {
  required_providers {
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

variable "step" {
  type = number
}

locals {
  kinds = {
    open  = { authentication = "NoAuthentication" }
    basic = { authentication = "BasicAuthentication", user = "user", credentials = { password_wo = "p${var.step}" } }
    token = {
      authentication    = "OAuth2ClientCredentials"
      client_id         = "client"
      token_service_url = "https://tokens.example.com/oauth/token"
      credentials       = { client_secret_wo = "s${var.step}" }
    }
  }
  destinations = merge([
    for level in ["subaccount", "instance"] : {
      for kind in keys(local.kinds) : "${level}-${kind}" => { level = level, kind = kind }
    }
  ]...)
}

resource "sapcalm_destination" "cloud_alm" {
  description = "step ${var.step}"
}

resource "sapcalm_destination" "each" {
  for_each          = local.destinations
  name              = each.key
  level             = each.value.level
  url               = "https://${each.key}.example.com/${var.step}"
  authentication    = local.kinds[each.value.kind].authentication
  user              = try(local.kinds[each.value.kind].user, null)
  client_id         = try(local.kinds[each.value.kind].client_id, null)
  token_service_url = try(local.kinds[each.value.kind].token_service_url, null)
  credentials       = try(local.kinds[each.value.kind].credentials, null)
  labels            = { step = [tostring(var.step)] }
}

resource "sapcalm_destination_certificate" "each" {
  for_each = toset(["subaccount", "instance"])
  name     = "${each.key}.pem"
  level    = each.key
  content = {
    pem_wo = file(var.step == 1 ? "one.pem" : "two.pem")
  }
}

data "sapcalm_destinations" "each" {
  for_each   = toset(["subaccount", "instance"])
  level      = each.key
  depends_on = [sapcalm_destination.each]
}

data "sapcalm_destination" "cloud_alm" {
  name = sapcalm_destination.cloud_alm.name
}
