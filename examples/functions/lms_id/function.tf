output "lms_id" {
  value = provider::sapcalm::lms_id("prod", "11111111-2222-4333-8444-555555555555")
}
