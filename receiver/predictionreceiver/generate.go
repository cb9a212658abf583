package predictionreceiver

//go:generate go tool mdatagen metadata.yaml
