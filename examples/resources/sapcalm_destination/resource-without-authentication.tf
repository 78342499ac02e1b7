# A public address, for one service instance only.
resource "sapcalm_destination" "catalogue" {
  name           = "Catalogue"
  level          = "instance"
  url            = "https://catalogue.example.com"
  authentication = "NoAuthentication"
}
