variable "project" {
  description = "The project of the services and of the service account."
  type        = string
}

variable "services" {
  description = "Regions of the Cloud Run services to call, by their names."
  type        = map(string)
}

variable "by_name" {
  description = "Services are given by name, so their addresses must be looked up."
  type        = bool
  default     = false
}

variable "kubernetes_service_accounts" {
  description = "NAMESPACE/NAME of those that use it on GKE."
  type        = set(string)
  default     = []
}

variable "impersonators" {
  description = "Who may act as it, as user:… or group:…."
  type        = set(string)
  default     = []
}

variable "acts_as" {
  description = "Emails of the service accounts of this project that it may act as."
  type        = set(string)
  default     = []
}

variable "secrets" {
  description = "Secrets of Secret Manager that it may read."
  type        = set(string)
  default     = []
}
