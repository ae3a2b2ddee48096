"""EtherNet/IP: tags of Rockwell Logix controllers and of what lets its tags be read as they do.

Standards: CIP volume 1 and EtherNet/IP volume 2 (ODVA) for the transport; Rockwell 1756-PM020 for tags. pycomm3 speaks
the protocol; it blocks, so each session has a thread of its own, and a socket (:mod:`.wire`) that always comes back.

Vocabulary: a *tag* has a name and a type in the controller; *controller* tags are seen everywhere, *program* tags as
``Program:Main.Count``. Tags are read by name, never by number: numbers mean other tags after a download.

Not done: implicit (class 1) I/O connections, PLC-5 and SLC data files, CIP Security.
"""
