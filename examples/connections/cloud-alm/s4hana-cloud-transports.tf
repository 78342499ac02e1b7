# Transports of SAP S/4HANA Cloud Public Edition (Adaptation Transport
# Organizer): one destination for each tenant, and the key store that SAP's guide
# makes from an x509 service key of SAP Cloud ALM API.
variable "key_store_password" {
  description = "Password of calm.pfx."
  type        = string
  ephemeral   = true
}

locals {
  # By Global Tenant ID, which is the System Number in Landscape Management: the
  # service URL of the communication arrangement for SAP_COM_0690.
  s4hana = {
    "74558820098" = { role = "Development", url = "https://my300098-api.s4hana.cloud.sap/sap/opu/odata4/ato" }
    "74558820099" = { role = "Production", url = "https://my300099-api.s4hana.cloud.sap/sap/opu/odata4/ato" }
  }
}

resource "sapcalm_destination_certificate" "s4hana" {
  name = "calm.pfx"
  content = {
    base64_wo = filebase64("${path.module}/keys/calm.pfx")
  }
}

resource "sapcalm_destination" "s4hana" {
  for_each = local.s4hana

  name           = "CALM_FTR_ATO_${each.key}"
  description    = "SAP S4HANA Cloud ${each.value.role}"
  url            = each.value.url
  authentication = "ClientCertificateAuthentication"

  properties = {
    KeyStoreLocation = sapcalm_destination_certificate.s4hana.name
  }
  credentials = {
    properties_wo = { KeyStorePassword = var.key_store_password }
  }
}
