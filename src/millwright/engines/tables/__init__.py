"""Tables in files: CSV, Excel, Arrow and Parquet, row by row with each cell as text, or a column at a time.

Memory stays small however long a file is. The libraries behind are imported when a file of their kind is opened.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.engines.tables.errors import Unreadable
    from millwright.engines.tables.reading import Cells, FileFormat, Row, cell_of, estimate, format_of, opened
    from millwright.engines.tables.refusals import BadCursor, RefusalWriter, read_rows, write_csv
    from millwright.engines.tables.xlsx_writing import WorkbookWriter

__getattr__ = exports(__name__)

__all__ = [
    "BadCursor",
    "Cells",
    "FileFormat",
    "RefusalWriter",
    "Row",
    "Unreadable",
    "WorkbookWriter",
    "cell_of",
    "estimate",
    "format_of",
    "opened",
    "read_rows",
    "write_csv",
]
