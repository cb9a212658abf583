package predictionencodingextension

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

// notices says of each kind of trouble the first in a minute, with how many were
// not said.
type notices struct {
	logger *zap.Logger
	mu     sync.Mutex
	kinds  map[string]*notice // there are as many as reasons in the code
}

type notice struct {
	last   time.Time
	unsaid int
}

func newNotices(logger *zap.Logger) *notices {
	return &notices{logger: logger, kinds: map[string]*notice{}}
}

func (n *notices) say(kind string, now time.Time, sentence string, fields ...zap.Field) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.kinds[kind]
	if !ok {
		k = &notice{}
		n.kinds[kind] = k
	}
	if ok && now.Sub(k.last) < time.Minute {
		k.unsaid++
		return
	}
	if k.unsaid > 0 {
		fields = append(fields, zap.Int("more_since_the_last_line", k.unsaid))
	}
	k.last, k.unsaid = now, 0
	n.logger.Warn(sentence, fields...)
}
