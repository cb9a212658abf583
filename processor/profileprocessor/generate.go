package profileprocessor

//go:generate go tool mdatagen metadata.yaml
