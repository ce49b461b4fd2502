-- How a Chinese character is read, so that a name is found by its pinyin.

-- A letter of any other script as a word of three ASCII letters and digits: trigrams exist of those alone where the
-- server's locale is C. Punctuation is no word.
create function search_code(letter text) returns text language sql immutable strict parallel safe
    return case when ascii(letter) < 192 or ascii(letter) between 8192 and 12351 then ''
        else substr('0123456789abcdefghijklmnopqrstuvwxyz', ascii(letter) / 1296 % 36 + 1, 1)
            || substr('0123456789abcdefghijklmnopqrstuvwxyz', ascii(letter) / 36 % 36 + 1, 1)
            || substr('0123456789abcdefghijklmnopqrstuvwxyz', ascii(letter) % 36 + 1, 1) end;

create table hanzi (
    character text primary key,
    pinyin text not null,
    as_surname text,
    code text not null generated always as (search_code(character)) stored
);
comment on column hanzi.pinyin is 'the usual reading in names of people and places, without tone';
grant select on hanzi to headwater_ingest, headwater_detect, headwater_notify, headwater_api;
