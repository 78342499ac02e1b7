import {
  to = sapcalm_registration.order_management
  identity = {
    tenant_id = "11111111-2222-4333-8444-555555555555"
  }
}
