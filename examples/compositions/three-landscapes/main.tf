# Three landscapes of SAP Order Management foundation, each connected to the same
# SAP Cloud ALM. SAP's own provider makes the instances and keys, one set for each
# landscape, so that the key of one can be rotated or revoked alone.
#
# Terraform keeps the keys in the state of this configuration: protect it. In the
# first run they are not known while planning, so what comes from them is planned
# as known after apply.

terraform {
  required_version = ">= 1.7"

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

variable "calm_subaccount_id" {
  description = "Id of the subaccount of SAP Cloud ALM."
  type        = string
}

variable "landscapes" {
  description = "Ids of the subaccounts of SAP Order Management foundation."
  type = object({
    dev  = string
    test = string
    prod = string
  })
}

provider "btp" {
  globalaccount = var.global_account
}

module "service_keys" {
  source   = "./service-keys"
  for_each = var.landscapes

  landscape            = each.key
  orders_subaccount_id = each.value
  calm_subaccount_id   = var.calm_subaccount_id
}

# A provider block belongs to one subaccount, and Terraform wants each to be
# written out.
provider "sapcalm" {
  alias = "dev"

  destination_service_key      = module.service_keys["dev"].destination
  order_management_service_key = module.service_keys["dev"].order_management
  cloud_alm_service_key        = module.service_keys["dev"].cloud_alm
  allowed_subaccount_ids       = [var.landscapes.dev]
}

provider "sapcalm" {
  alias = "test"

  destination_service_key      = module.service_keys["test"].destination
  order_management_service_key = module.service_keys["test"].order_management
  cloud_alm_service_key        = module.service_keys["test"].cloud_alm
  allowed_subaccount_ids       = [var.landscapes.test]
}

provider "sapcalm" {
  alias = "prod"

  destination_service_key      = module.service_keys["prod"].destination
  order_management_service_key = module.service_keys["prod"].order_management
  cloud_alm_service_key        = module.service_keys["prod"].cloud_alm
  allowed_subaccount_ids       = [var.landscapes.prod]
}

module "dev" {
  source    = "./connection"
  providers = { sapcalm = sapcalm.dev }
}

module "test" {
  source    = "./connection"
  providers = { sapcalm = sapcalm.test }
}

module "prod" {
  source    = "./connection"
  providers = { sapcalm = sapcalm.prod }
}

output "status" {
  description = "The status of each landscape's registration."
  value = {
    dev  = module.dev.status
    test = module.test.status
    prod = module.prod.status
  }
}
