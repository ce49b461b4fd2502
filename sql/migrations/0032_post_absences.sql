-- Absences are periods of their own: nobody reads these any more.

-- squawk-ignore ban-drop-column
alter table staff drop column absent_from;
-- squawk-ignore ban-drop-column
alter table staff drop column absent_until;
