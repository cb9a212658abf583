package groundtruthprocessor

//go:generate go tool mdatagen metadata.yaml
