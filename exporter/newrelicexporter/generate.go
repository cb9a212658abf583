package newrelicexporter

//go:generate go tool mdatagen metadata.yaml
