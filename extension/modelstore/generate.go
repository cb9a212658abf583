package modelstore

//go:generate go tool mdatagen metadata.yaml
