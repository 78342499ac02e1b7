# Instances and keys of one landscape, by SAP's own provider. What it calls the
# credentials of a binding is what SAP BTP's cockpit calls a service key.

terraform {
  required_providers {
    btp = {
      source = "SAP/btp"
    }
  }
}

variable "landscape" {
  description = "Name of the landscape, for the names of instances and keys."
  type        = string
}

variable "orders_subaccount_id" {
  description = "Id of the subaccount of SAP Order Management foundation."
  type        = string
}

variable "calm_subaccount_id" {
  description = "Id of the subaccount of SAP Cloud ALM."
  type        = string
}

variable "offerings" {
  description = "What the subaccounts call the services: offering and plan."
  type = object({
    destination      = optional(list(string), ["destination", "lite"])
    order_management = optional(list(string), ["c4-distributed-order-management", "default"])
    cloud_alm        = optional(list(string), ["SAPCloudALMAPIs", "standard"])
  })
  default = {}
}

locals {
  subaccounts = {
    destination      = var.orders_subaccount_id
    order_management = var.orders_subaccount_id
    cloud_alm        = var.calm_subaccount_id
  }
}

data "btp_subaccount_service_plan" "each" {
  for_each = local.subaccounts

  subaccount_id = each.value
  offering_name = var.offerings[each.key][0]
  name          = var.offerings[each.key][1]
}

resource "btp_subaccount_service_instance" "each" {
  for_each = local.subaccounts

  subaccount_id  = each.value
  name           = "terraform-${var.landscape}-${replace(each.key, "_", "-")}"
  serviceplan_id = data.btp_subaccount_service_plan.each[each.key].id

  # Lets Terraform see the registration in Cloud ALM's landscape.
  parameters = each.key != "cloud_alm" ? null : jsonencode({
    xs-security = {
      xsappname            = "terraform-calm-${var.landscape}"
      authorities          = ["$XSMASTERAPPNAME.calm-api.landscape.read"]
      oauth2-configuration = { credential-types = ["binding-secret"] }
    }
  })
}

resource "btp_subaccount_service_binding" "each" {
  for_each = local.subaccounts

  subaccount_id       = each.value
  service_instance_id = btp_subaccount_service_instance.each[each.key].id
  name                = "terraform-${var.landscape}"
}

output "destination" {
  description = "Key of the Destination service."
  value       = btp_subaccount_service_binding.each["destination"].credentials
  sensitive   = true
}

output "order_management" {
  description = "Key of SAP Order Management foundation."
  value       = btp_subaccount_service_binding.each["order_management"].credentials
  sensitive   = true
}

output "cloud_alm" {
  description = "Key of the SAP Cloud ALM API."
  value       = btp_subaccount_service_binding.each["cloud_alm"].credentials
  sensitive   = true
}
