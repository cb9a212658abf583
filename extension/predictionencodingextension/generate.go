package predictionencodingextension

//go:generate go tool mdatagen metadata.yaml
