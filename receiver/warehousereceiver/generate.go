package warehousereceiver

//go:generate go tool mdatagen metadata.yaml
