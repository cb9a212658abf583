package alertexporter

//go:generate go tool mdatagen metadata.yaml
