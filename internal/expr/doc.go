// Package expr is the language in which users write conditions on a prediction:
//
//	features.age > 60 and features.region == "EU"
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
// Missing values follow SQL. A comparison with a missing value is neither true
// nor false but unknown; not of unknown is unknown; and of unknown and false is
// false, or of unknown and true is true; and a row whose condition comes out as
// unknown does not meet it. So neither features.age > 60 nor
// not features.age > 60 holds for a row without an age, nor does
// features.age != 60. Only is null and is not null see what is missing. A value
// of the wrong type for its field is unknown too, though not null.
package expr
