# SAP's own provider makes the service keys, this one uses them. What SAP's
# provider calls the credentials of a binding is what is called a service key
# here.
#
# Terraform keeps the credentials in the state of this configuration: protect
# it. In the first run the keys are not known while planning, so what comes from
# them is planned as known after apply.

terraform {
  required_version = ">= 1.5"

  required_providers {
    btp = {
      source = "SAP/btp"
    }
    sapcalm = {
      source = "sapcalm/sapcalm"
    }
  }
}

variable "global_account" {
  description = "Subdomain of the global account."
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

variable "order_management_offering" {
  description = "What the subaccount calls SAP Order Management foundation: offering and plan."
  type = object({
    name = string
    plan = string
  })
  default = {
    name = "c4-distributed-order-management"
    plan = "default"
  }
}

variable "cloud_alm_offering" {
  description = "What the subaccount calls the SAP Cloud ALM API: offering and plan."
  type = object({
    name = string
    plan = string
  })
  default = {
    name = "SAPCloudALMAPIs"
    plan = "standard"
  }
}

locals {
  services = {
    destination = {
      subaccount_id = var.orders_subaccount_id
      offering      = "destination"
      plan          = "lite"
    }
    order_management = {
      subaccount_id = var.orders_subaccount_id
      offering      = var.order_management_offering.name
      plan          = var.order_management_offering.plan
    }
    cloud_alm = {
      subaccount_id = var.calm_subaccount_id
      offering      = var.cloud_alm_offering.name
      plan          = var.cloud_alm_offering.plan
    }
  }
}

provider "btp" {
  globalaccount = var.global_account
}

data "btp_subaccount_service_plan" "each" {
  for_each = local.services

  subaccount_id = each.value.subaccount_id
  offering_name = each.value.offering
  name          = each.value.plan
}

resource "btp_subaccount_service_instance" "each" {
  for_each = local.services

  subaccount_id  = each.value.subaccount_id
  name           = "terraform-${replace(each.key, "_", "-")}"
  serviceplan_id = data.btp_subaccount_service_plan.each[each.key].id

  # Lets Terraform see the registration in Cloud ALM's landscape.
  parameters = each.key != "cloud_alm" ? null : jsonencode({
    xs-security = {
      xsappname            = "terraform-calm"
      authorities          = ["$XSMASTERAPPNAME.calm-api.landscape.read"]
      oauth2-configuration = { credential-types = ["binding-secret"] }
    }
  })
}

resource "btp_subaccount_service_binding" "each" {
  for_each = local.services

  subaccount_id       = each.value.subaccount_id
  service_instance_id = btp_subaccount_service_instance.each[each.key].id
  name                = "terraform"
}

provider "sapcalm" {
  destination_service_key      = btp_subaccount_service_binding.each["destination"].credentials
  order_management_service_key = btp_subaccount_service_binding.each["order_management"].credentials
  cloud_alm_service_key        = btp_subaccount_service_binding.each["cloud_alm"].credentials
}

resource "sapcalm_destination" "cloud_alm" {}

resource "sapcalm_registration" "order_management" {
  destination_name = sapcalm_destination.cloud_alm.name

  triggers = {
    target = sapcalm_destination.cloud_alm.url
  }
}
