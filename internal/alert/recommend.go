package alert

import "github.com/driftmeter/driftmeter/internal/model"

// recommendation says what to look at first. There is none when it is over.
func (w *words) recommendation() string {
	if !w.a.Firing() {
		return ""
	}
	how, _ := w.bound()
	switch w.m.Type {
	case model.ModelActivity:
		if how == "below" {
			return "Look whether the service that calls the model is up and still sends its predictions here, and whether records are refused (the log and the internal metrics say why)."
		}
		return "Look who calls more than before: a new client, or one that sends again what was taken. With prediction ids, repetitions are dropped and counted."
	case model.DataDrift:
		return "Look at the parts that changed most, then at what produces the field: a new source, unit, default or encoding looks like this. Compare the segments to see where it comes from. If the world has changed, train again."
	case model.PredictionDrift:
		return "Look whether the features drift, too: then it comes from the data. If they do not, look for a new version or threshold of the model. Check the performance as soon as labels are there."
	case model.MissingValues:
		if how == "below" {
			return "More values are there than before: look whether a default now stands where nothing stood."
		}
		return "Look at the source of the field and what happens on the way: a renamed column, a join that finds nothing, a service that times out."
	case model.NewValues:
		return "Look where the new values come from: a new product or region, another spelling, a wrong column. What is expected may be added to allowed, or trained on."
	case model.ValueRange:
		return "Look at the records with these values: another unit, an overflow, a code for missing such as -999. The data may be wrong while the mean looks right."
	case model.MetricChange:
		return "Look at the field's distribution and at its missing values; then at what produces it."
	case model.PerformanceDegradation:
		return "Look at the segments to see where it is lost, and at the drift of the features and of the labels in the same time. Check that the labels are complete."
	case model.CustomMetric:
		return "Look at what the metric is made of, and at the segments to see where it changes."
	case model.ModelStaleness:
		return "Train again, or raise max_age if the version is to stay."
	default:
		return ""
	}
}
