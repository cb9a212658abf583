// Package expr is the language in which users write conditions on a prediction:
//
//	features.age > 60 and features.region == "EU"
//
// and metrics of many:
//
//	5 * tp_count(predictions.proba, actuals.fraud, 0.5, filter=features.region == "EU")
//
// A condition is parsed into a tree (Parse), checked without knowing any model
// (Check), and compiled against the fields of one model version (Compile) into
// a Condition that judges a row without allocating.
//
// Grammar, loosest binding first. Words are recognised in any case; text after
// // up to the end of the line is a comment.
//
//	condition = all { ("or" | "|") all }
//	all       = negation { ("and" | "&") negation }
//	negation  = "not" negation | term
//	term      = "(" condition ")"
//	          | field                                    a boolean field stands for itself
//	          | operand compare operand                  at least one of them a field
//	          | field "is" ["not"] ("null" | "none")
//	          | field ["not"] "in" "(" value { "," value } ")"
//	compare   = "==" | "=" | "!=" | "<" | "<=" | ">" | ">="
//	operand   = field | value
//	value     = ["-" | "+"] number | string | "true" | "false"
//	field     = group "." name { "." name } | group "[" string "]"
//	group     = "features" | "raw_inputs" | "predictions" | "actuals" | "explanations" | "metrics"
//	string    = '"' … '"' | "'" … "'"                    with \" \' \\ \n \r \t inside
//
// A name is made of letters, digits and underscores; any other name is written
// in brackets, as in features["home.dest"].
//
// A metric is parsed by ParseMetric, and resolved against what is known of a
// model's fields. It knows functions, not how they are answered: that is for the
// profile, which finds what it keeps for each Call, and for Bound.Eval's caller.
//
//	metric  = { name "=" sum } sum                     the last one may have a name, too
//	sum     = product { ("+" | "-") product }
//	product = sign { ("*" | "/") sign }
//	sign    = ("-" | "+") sign | power
//	power   = atom [ "**" sign ]
//	atom    = number | name | call | "(" sum ")"
//	call    = function "(" [ argument { "," argument } ] ")"
//	argument = [ parameter "=" ] (column | filter | value | word)
//	column  = field [ "[" condition "]" ] | string     a string may leave the group out
//	filter  = condition | string                       likewise the fields in one
//
// A line goes on where it cannot end, and where the next begins with an operator.
//
// Missing values follow SQL. A comparison with a missing value is neither true
// nor false but unknown; not of unknown is unknown; and of unknown and false is
// false, or of unknown and true is true; and a row whose condition comes out as
// unknown does not meet it. So neither features.age > 60 nor
// not features.age > 60 holds for a row without an age, nor does
// features.age != 60. Only is null and is not null see what is missing. A value
// of the wrong type for its field is unknown too, though not null.
package expr
