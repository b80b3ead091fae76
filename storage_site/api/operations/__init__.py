"""Operations for those whose resources they are: what is being done, how far it is, and a way to call it off."""
