package broker

// A Personality is in what a cluster that speaks Kafka's protocol is not Kafka. The zero value is
// Kafka.
type Personality struct{}

func (p *Personality) check() error { return nil }

func (p *Personality) limit(*[apiCount]versions) {}
