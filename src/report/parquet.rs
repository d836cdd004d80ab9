//! Tables in Parquet: the same columns and rows as the CSV, with types.
//!
//! Text is UTF-8, numbers are doubles, an empty cell is null. Uncompressed: the tables are small.

use std::{borrow::Cow, path::Path, sync::Arc};

use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DoubleType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};

use super::partial::Partial;
use crate::error::{Error, Result};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// Numbers.
    Number,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in snake case, ending in its unit.
    pub name: Cow<'static, str>,
    /// What it holds.
    pub kind: Kind,
}

/// Returns a column of words.
#[must_use]
pub const fn text(name: &'static str) -> Column {
    Column { name: Cow::Borrowed(name), kind: Kind::Text }
}

/// Returns a column of numbers.
#[must_use]
pub const fn number(name: &'static str) -> Column {
    Column { name: Cow::Borrowed(name), kind: Kind::Number }
}

/// Rows that make a row group.
const GROUP_ROWS: usize = 50_000;

/// Writes a table whose cells are written as in a CSV file, given in parts. Cells that a row lacks are empty.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be written, [`Error::Internal`] if a number column holds words.
pub fn write(
    path: &Path,
    columns: &[Column],
    parts: impl IntoIterator<Item = Vec<Vec<String>>>,
) -> Result<()> {
    let mut file = Partial::create(path)?;
    let fault = |e: ParquetError| Error::io("write", path)(std::io::Error::other(e));
    let properties = WriterProperties::builder()
        .set_created_by(concat!("histograde ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let schema = Arc::new(schema(columns).map_err(fault)?);
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties)).map_err(fault)?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for part in parts {
        rows.extend(part);
        if rows.len() >= GROUP_ROWS {
            write_group(&mut writer, columns, &rows, &fault)?;
            rows.clear();
        }
    }
    if !rows.is_empty() {
        write_group(&mut writer, columns, &rows, &fault)?;
    }
    writer.close().map_err(fault)?;
    file.commit()
}

fn write_group<W: std::io::Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    columns: &[Column],
    rows: &[Vec<String>],
    fault: &impl Fn(ParquetError) -> Error,
) -> Result<()> {
    let mut group = writer.next_row_group().map_err(fault)?;
    for (at, column) in columns.iter().enumerate() {
        let Some(mut out) = group.next_column().map_err(fault)? else { break };
        let cells = || rows.iter().map(|row| row.get(at).map_or("", String::as_str));
        let levels: Vec<i16> = cells().map(|c| i16::from(!c.is_empty())).collect();
        let present = cells().filter(|c| !c.is_empty());
        match column.kind {
            Kind::Text => {
                let values: Vec<ByteArray> = present.map(ByteArray::from).collect();
                out.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).map_err(fault)?;
            }
            Kind::Number => {
                let parsed = |c: &str| {
                    c.parse::<f64>().map_err(|_| Error::Internal {
                        what: format!("{c:?} in number column {}", column.name),
                    })
                };
                let values: Vec<f64> = present.map(parsed).collect::<Result<_>>()?;
                out.typed::<DoubleType>().write_batch(&values, Some(&levels), None).map_err(fault)?;
            }
        }
        out.close().map_err(fault)?;
    }
    group.close().map_err(fault)?;
    Ok(())
}

fn schema(columns: &[Column]) -> Result<Type, ParquetError> {
    let field = |c: &Column| {
        let field = match c.kind {
            Kind::Text => Type::primitive_type_builder(&c.name, Physical::BYTE_ARRAY)
                .with_logical_type(Some(LogicalType::String)),
            Kind::Number => Type::primitive_type_builder(&c.name, Physical::DOUBLE),
        };
        field.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    };
    Type::group_type_builder("table")
        .with_fields(columns.iter().map(field).collect::<Result<_, _>>()?)
        .build()
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::RowAccessor as _,
    };

    use super::*;

    #[test]
    fn tables_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let columns = [text("group"), number("value_um2")];
        let rows = [["µ <a>", "0.30000000000000004"], ["", "-1.25"], ["b", ""]];
        let rows = rows.map(|r| r.map(str::to_owned).to_vec());
        write(&path, &columns, [rows.to_vec()]).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let cells = |row: parquet::record::Row| (row.get_string(0).ok().cloned(), row.get_double(1).ok());
        let got: Vec<_> = reader.get_row_iter(None).unwrap().map(|r| cells(r.unwrap())).collect();
        let word = |w: &str| Some(w.to_owned());
        assert_eq!(got, [(word("µ <a>"), Some(0.1 + 0.2)), (None, Some(-1.25)), (word("b"), None)]);
        let words = write(&path, &columns, [vec![vec!["a".into(), "b".into()]]]).unwrap_err().to_string();
        assert!(words.contains("\"b\" in number column value_um2"), "{words}");
    }

    #[test]
    fn no_rows_are_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        write(&path, &[text("group")], []).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
