package store

// References, one artifact for each model, version and dataset. The version ""
// holds for all versions.
//
//	key    20 model version dataset
//	value  the artifact

// PutReference keeps an artifact, instead of the one before.
func (tx *Tx) PutReference(model, version, dataset string, artifact []byte) {
	tx.put(keyOf(FamilyReference, model, version, dataset), artifact)
}

// DeleteReference deletes an artifact, if there is one.
func (tx *Tx) DeleteReference(model, version, dataset string) {
	tx.delete(keyOf(FamilyReference, model, version, dataset))
}

// DeleteReferences deletes all artifacts of a model.
func (tx *Tx) DeleteReferences(model string) {
	p := keyOf(FamilyReference, model)
	tx.deleteRange(p, prefixEnd(p))
}

// Reference returns the artifact of exactly this version; "" is the one of all
// versions.
func (s *Store) Reference(model, version, dataset string) ([]byte, bool, error) {
	return s.get(keyOf(FamilyReference, model, version, dataset))
}

// EachReference calls fn for the artifacts of a model, by version and dataset.
// An artifact is valid until fn returns.
func (s *Store) EachReference(model string, fn func(version, dataset string, artifact []byte) error) error {
	return s.eachPrefix(keyOf(FamilyReference, model), func(key, artifact []byte) error {
		_, version, dataset, err := readReferenceKey(key)
		if err != nil {
			return damage(s.dir, err)
		}
		return fn(version, dataset, artifact)
	})
}

func readReferenceKey(key []byte) (model, version, dataset string, err error) {
	r := readKey(FamilyReference, key)
	model, version, dataset = r.string(), r.string(), r.string()
	return model, version, dataset, r.done()
}
