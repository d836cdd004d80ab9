//! What differs between two JSON documents.

use serde::Serialize;
use serde_json::Value;

/// One value of a rubric that is not the built-in one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where: `organs.liver.lesions[macrosteatosis].cuts[0]`.
    pub path: String,
    /// The built-in value; null where there is none.
    pub default: Value,
    /// The value used; null where it was taken out.
    pub now: Value,
}

/// Returns every differing value, in the order of `default`, then what only `now` has. Members of lists that have an
/// `id` are compared by id, so that their order does not matter.
pub(super) fn changes(default: &Value, now: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", default, now, &mut found);
    found
}

fn compare(path: &str, default: &Value, now: &Value, found: &mut Vec<Change>) {
    let pairs = match (default, now) {
        (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_)) => {
            paired(members(path, default), members(path, now))
        }
        _ if same(default, now) => return,
        _ => {
            found.push(Change { path: path.to_owned(), default: default.clone(), now: now.clone() });
            return;
        }
    };
    for (path, default, now) in pairs {
        compare(&path, default, now, found);
    }
}

/// Returns whether two values are equal; 5 and 5.0 are.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// Returns the members of an object or list with the path of each.
fn members<'a>(path: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
    let dot = if path.is_empty() { "" } else { "." };
    match value {
        Value::Object(map) => map.iter().map(|(k, v)| (format!("{path}{dot}{k}"), v)).collect(),
        Value::Array(list) => {
            let key = |i: usize, v: &Value| v["id"].as_str().map_or_else(|| i.to_string(), str::to_owned);
            list.iter().enumerate().map(|(i, v)| (format!("{path}[{}]", key(i, v)), v)).collect()
        }
        _ => Vec::new(),
    }
}

type Member<'a> = (String, &'a Value);

/// Pairs members of equal path; what one side lacks is null.
fn paired<'a>(default: Vec<Member<'a>>, now: Vec<Member<'a>>) -> Vec<(String, &'a Value, &'a Value)> {
    let find = |list: &[Member<'a>], path: &str| list.iter().find(|(p, _)| p == path).map(|&(_, v)| v);
    let mut pairs: Vec<_> = default
        .iter()
        .map(|(path, value)| (path.clone(), *value, find(&now, path).unwrap_or(&Value::Null)))
        .collect();
    let added = now.iter().filter(|(path, _)| find(&default, path).is_none());
    pairs.extend(added.map(|(path, value)| (path.clone(), &Value::Null, *value)));
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changed_values_are_named_by_path() {
        fn t(default: Value, now: Value, expected: &[(&str, Value, Value)]) {
            let got = changes(&default, &now);
            let expected: Vec<_> = expected
                .iter()
                .map(|(p, d, n)| Change { path: (*p).into(), default: d.clone(), now: n.clone() })
                .collect();
            assert_eq!(got, expected);
        }
        t(json!({"a": 5}), json!({"a": 5.0}), &[]);
        t(
            json!({"a": 5, "b": {"c": "x"}}),
            json!({"b": {"c": "y"}, "a": 6}),
            &[("a", json!(5), json!(6)), ("b.c", json!("x"), json!("y"))],
        );
        t(
            json!({"a": [1, 2]}),
            json!({"a": [1, 3, 4]}),
            &[("a[1]", json!(2), json!(3)), ("a[2]", Value::Null, json!(4))],
        );
        t(
            json!({"l": [{"id": "p", "w": 1}, {"id": "q", "w": 2}]}),
            json!({"l": [{"id": "q", "w": 3}]}),
            &[("l[p]", json!({"id": "p", "w": 1}), Value::Null), ("l[q].w", json!(2), json!(3))],
        );
    }
}
