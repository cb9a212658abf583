package modelmetricsconnector

//go:generate go tool mdatagen metadata.yaml
