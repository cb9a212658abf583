package datasetreceiver

//go:generate go tool mdatagen metadata.yaml
