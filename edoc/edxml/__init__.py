"""edXML (QCVN 102:2016/BTTTT) as bytes: read leniently under limits, write one strict profile."""
