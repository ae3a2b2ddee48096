"""The Sparkplug B payload: its protobuf messages, built at import from a table of fields.

Field numbers and types are those of the Sparkplug 3.0 specification, section 6.4 (payload definition).
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_PACKAGE: Final = "millwright.sparkplug"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "u32": _FIELD.TYPE_UINT32,
    "u64": _FIELD.TYPE_UINT64,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
    "bool": _FIELD.TYPE_BOOL,
    "str": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}

# message → fields: number, name, type; "*" before a type: repeated; "|" before it: one of the message's `value`.
_MESSAGES: Final[dict[str, tuple[tuple[int, str, str], ...]]] = {
    "Payload": (
        (1, "timestamp", "u64"),
        (2, "metrics", "*Metric"),
        (3, "seq", "u64"),
        (4, "uuid", "str"),
        (5, "body", "bytes"),
    ),
    "Metric": (
        (1, "name", "str"),
        (2, "alias", "u64"),
        (3, "timestamp", "u64"),
        (4, "datatype", "u32"),
        (5, "is_historical", "bool"),
        (6, "is_transient", "bool"),
        (7, "is_null", "bool"),
        (8, "metadata", "MetaData"),
        (9, "properties", "PropertySet"),
        (10, "int_value", "|u32"),
        (11, "long_value", "|u64"),
        (12, "float_value", "|float"),
        (13, "double_value", "|double"),
        (14, "boolean_value", "|bool"),
        (15, "string_value", "|str"),
        (16, "bytes_value", "|bytes"),
        (17, "dataset_value", "|DataSet"),
        (18, "template_value", "|Template"),
    ),
    "MetaData": (
        (1, "is_multi_part", "bool"),
        (2, "content_type", "str"),
        (3, "size", "u64"),
        (4, "seq", "u64"),
        (5, "file_name", "str"),
        (6, "file_type", "str"),
        (7, "md5", "str"),
        (8, "description", "str"),
    ),
    "PropertySet": ((1, "keys", "*str"), (2, "values", "*PropertyValue")),
    "PropertyValue": (
        (1, "type", "u32"),
        (2, "is_null", "bool"),
        (3, "int_value", "|u32"),
        (4, "long_value", "|u64"),
        (5, "float_value", "|float"),
        (6, "double_value", "|double"),
        (7, "boolean_value", "|bool"),
        (8, "string_value", "|str"),
        (9, "propertyset_value", "|PropertySet"),
        (10, "propertysets_value", "|PropertySetList"),
    ),
    "PropertySetList": ((1, "propertyset", "*PropertySet"),),
    "DataSet": (
        (1, "num_of_columns", "u64"),
        (2, "columns", "*str"),
        (3, "types", "*u32"),
        (4, "rows", "*Row"),
    ),
    "Row": ((1, "elements", "*DataSetValue"),),
    "DataSetValue": (
        (1, "int_value", "|u32"),
        (2, "long_value", "|u64"),
        (3, "float_value", "|float"),
        (4, "double_value", "|double"),
        (5, "boolean_value", "|bool"),
        (6, "string_value", "|str"),
    ),
    "Template": (
        (1, "version", "str"),
        (2, "metrics", "*Metric"),
        (3, "parameters", "*Parameter"),
        (4, "template_ref", "str"),
        (5, "is_definition", "bool"),
    ),
    "Parameter": (
        (1, "name", "str"),
        (2, "type", "u32"),
        (3, "int_value", "|u32"),
        (4, "long_value", "|u64"),
        (5, "float_value", "|float"),
        (6, "double_value", "|double"),
        (7, "boolean_value", "|bool"),
        (8, "string_value", "|str"),
    ),
}


def _build() -> dict[str, type[Any]]:
    file = descriptor_pb2.FileDescriptorProto(name="millwright/sparkplug.proto", package=_PACKAGE, syntax="editions")
    # On the wire as proto2, which the specification is written in; but a text that is not UTF-8 is refused with its
    # payload instead of turning up as bytes among the names.
    file.edition = descriptor_pb2.EDITION_2023
    file.options.features.utf8_validation = descriptor_pb2.FeatureSet.VERIFY
    file.options.features.repeated_field_encoding = descriptor_pb2.FeatureSet.EXPANDED
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if any(kind.startswith("|") for _, _, kind in fields):
            message.oneof_decl.add(name="value")
        for number, field_name, kind in fields:
            field = message.field.add(name=field_name, number=number)
            field.label = _FIELD.LABEL_REPEATED if kind.startswith("*") else _FIELD.LABEL_OPTIONAL
            if kind.startswith("|"):
                field.oneof_index = 0
            bare = kind.lstrip("*|")
            if bare in _SCALARS:
                field.type = _SCALARS[bare]
            else:
                field.type = _FIELD.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{bare}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES = _build()
Payload: Any = _CLASSES["Payload"]
"""The payload of every Sparkplug B message except STATE."""
Metric: Any = _CLASSES["Metric"]
"""One metric of a payload."""
DataSet: Any = _CLASSES["DataSet"]
"""A table, as the value of one metric."""


def find_payload(data: bytes) -> Any | None:
    """The payload in ``data``, or ``None`` when it is none."""
    payload = Payload()
    try:
        payload.ParseFromString(data)
    except DecodeError:
        return None
    return payload
