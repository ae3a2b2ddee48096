"""Operations: rules watch readings, alarms tell people."""
